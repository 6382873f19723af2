"""How clients speak to a server: HTTP, gRPC, and where both listen."""
