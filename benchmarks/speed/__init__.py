"""What the commands beside this folder share: works, contenders, clocks, tables and charts."""
