"""Models of training frameworks, none of which is imported before one of its models is given."""
