package schema

// The server's codes for what can go wrong in a setup.
const (
	noDatabase       = "3D000"
	databaseExists   = "42P04"
	duplicateKey     = "23505"
	templateInUse    = "55006"
	lockNotAvailable = "55P03"
	deadlockDetected = "40P01"
	wrongPassword    = "28P01"
	notLetIn         = "28000"
	noRight          = "42501"
)
