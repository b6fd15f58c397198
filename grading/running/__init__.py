"""Step 2: a submission is run, here or on other machines."""
