"""What comes in after a model serves: drift, live metrics, rules and boards."""
