"""Networks on DNA: layers with their gradients, losses, optimisers and the named architectures."""
