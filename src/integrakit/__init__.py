"""integrakit: integrations that people own."""
