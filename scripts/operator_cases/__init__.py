"""What `scripts/operator_database.py` compares: calls of PyTorch's operators, case by case."""
