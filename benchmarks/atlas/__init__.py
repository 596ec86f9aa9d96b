"""The atlas: real tasks, each optimizer's configurations, trained in full and kept."""
