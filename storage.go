package highway

// Storage is where the state of circuits lives. It is implemented by this module's
// own packages only.
type Storage interface {
	storage()
}

// InMemoryStorage keeps the state of circuits in this process. It is what a
// protector without a Storage does anyway; naming it says so for certain.
type InMemoryStorage struct{ _ byte }

// NewInMemoryStorage returns an in-memory storage.
func NewInMemoryStorage() *InMemoryStorage { return &InMemoryStorage{} }

func (*InMemoryStorage) storage() {}
