"""`mvc import mlflow` and `mvc export mlflow`."""
