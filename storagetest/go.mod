module github.com/highway-engine/highway/storagetest

go 1.25

require (
	github.com/anishathalye/porcupine v1.3.1
	github.com/highway-engine/highway v0.0.0
)

replace github.com/highway-engine/highway => ../
