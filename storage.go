package highway

// Storage is where the state of circuits lives. It is implemented by this module's
// own packages only.
type Storage interface {
	storage()
}

// InMemoryStorage keeps each circuit's state in its protector. That is what happens
// without a Storage too; naming it says so for certain. Protectors on one
// InMemoryStorage share nothing, whatever their keys.
type InMemoryStorage struct{ _ byte }

// NewInMemoryStorage returns an in-memory storage, for any number of protectors.
func NewInMemoryStorage() *InMemoryStorage { return &InMemoryStorage{} }

func (*InMemoryStorage) storage() {}
