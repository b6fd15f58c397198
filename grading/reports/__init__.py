"""Pages and tables for teachers, and exports to learning platforms."""
