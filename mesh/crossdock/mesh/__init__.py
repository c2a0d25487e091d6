"""What every service stands on: the bus, consuming, configuration, telemetry, lifecycle."""
