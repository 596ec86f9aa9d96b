"""Data that is read while it trains: each batch is read once for a whole population."""
