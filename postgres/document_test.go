package postgres_test

// The chapter on PostgreSQL of the document that this library was asked for in, in its
// order and in Go. Its monitoring queries are in table_test.go.

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/highway-engine/highway"
)

// The import is all that it takes.
import _ "github.com/highway-engine/highway/postgres"

// The table as the document makes it by hand.
const documentsTable = `
CREATE TABLE IF NOT EXISTS hw_circuit_breakers (
    resource_key VARCHAR(255) PRIMARY KEY,
    state VARCHAR(50) NOT NULL CHECK (state IN ('CLOSED', 'OPEN', 'HALF_OPEN')),
    failure_count INTEGER NOT NULL DEFAULT 0 CHECK (failure_count >= 0),
    open_until TIMESTAMP,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE INDEX idx_hw_circuit_breakers_state ON hw_circuit_breakers(state);
CREATE INDEX idx_hw_circuit_breakers_open_until ON hw_circuit_breakers(open_until) WHERE open_until IS NOT NULL;
`

// The file .env as the document has it, with the database of a test.
const documentsFile = `HW_DB_HOST=%s
HW_DB_PORT=%d
HW_DB_NAME=%s
HW_DB_USER=%s
HW_DB_PASSWORD=%s
`

// paymentService is the document's circuit breaker.
func paymentService() *highway.CircuitProtector {
	// This will automatically use PostgreSQL if HW_DB_* env vars are set
	circuitBreaker := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey:  "payment_service",
		Cooldown:     60 * time.Second,
		FailureLimit: highway.Fraction(5, 10), // 50% failure rate
		SuccessLimit: highway.Fraction(3, 3),  // 3 consecutive successes to close
	}))
	return circuitBreaker
}

// Using PostgreSQL storage: the import is all that it takes.
func Example() {
	circuitBreaker := paymentService()

	processPayment := highway.Decorate(circuitBreaker, func(ctx context.Context, amount int) (string, error) {
		// Your payment processing logic
		if amount < 0 {
			return "", errors.New("not an amount")
		}
		return fmt.Sprintf("paid %d", amount), nil
	})
	fmt.Println(processPayment(context.Background(), 3))
	// Output: paid 3 <nil>
}

// Fallback to in-memory storage.
func Example_inMemory() {
	// No environment variables set - uses in-memory storage
	circuitBreaker := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey: "my_service",
	}))

	// Or explicitly specify in-memory storage
	explicit := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey: "my_service",
		Storage:     highway.NewInMemoryStorage(),
	}))

	fmt.Println(circuitBreaker.Status(), explicit.Status())
	// Output: CLOSED CLOSED
}
