"""What runs models, and watches them: the commands of the group "In production"."""
