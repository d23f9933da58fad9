package keystore

import (
	"context"
	"sync"
)

// MemoryStore is a Store which lasts as long as the program. It is safe for
// concurrent use and never blocks.
type MemoryStore struct {
	mu sync.Mutex
	// Functions, because fmt follows everything else when it prints a store.
	secrets map[string]func() Secret
}

// Memory returns an empty store, for tests and for one-off runs which must
// leave nothing behind.
func Memory() *MemoryStore {
	return &MemoryStore{secrets: make(map[string]func() Secret)}
}

// String returns "memory".
func (m *MemoryStore) String() string { return "memory" }

// Get implements Store.
func (m *MemoryStore) Get(ctx context.Context, name string) (Secret, error) {
	value, err := m.get(ctx, name)
	return value, failure("read", name, m, err)
}

func (m *MemoryStore) get(ctx context.Context, name string) (Secret, error) {
	if err := m.check(ctx, name); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.secrets[name]
	if !ok {
		return "", ErrNotFound
	}
	return value(), nil
}

// Set implements Store.
func (m *MemoryStore) Set(ctx context.Context, name string, value Secret) error {
	err := m.check(ctx, name)
	if err == nil {
		err = checkValue(value)
	}
	if err != nil {
		return failure("store", name, m, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.secrets[name] = func() Secret { return value }
	return nil
}

// Delete implements Store.
func (m *MemoryStore) Delete(ctx context.Context, name string) error {
	if err := m.check(ctx, name); err != nil {
		return failure("delete", name, m, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.secrets, name)
	return nil
}

func (m *MemoryStore) check(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return gaveUp(ctx)
	}
	return nil
}
