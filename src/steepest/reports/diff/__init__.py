"""Why two studies differ: settings, task, versions, hardware, and their trials."""
