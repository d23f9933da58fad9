package main

// keepMemory has nothing to do: Go's runtime keeps a fault of this process from
// Windows Error Reporting, which is what writes dumps.
func keepMemory() {}
