"""The language server: what editors show of the lint while one writes."""
