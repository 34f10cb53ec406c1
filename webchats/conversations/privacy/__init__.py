"""Personal data of visitors: retention, erasure and export."""
