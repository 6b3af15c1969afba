"""JVS for agents: the tools of one repository over the Model Context Protocol."""
