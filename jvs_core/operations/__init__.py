"""What a person asks for: each operation a function that joins the control plane and the data plane."""
