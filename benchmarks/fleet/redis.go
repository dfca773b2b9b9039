package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/go-redsync/redsync/v4"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"
	"github.com/redis/go-redis/v9"
)

// A redisServer is a private server on the loopback. It writes down what it is told, so
// that it still knows it when it has been stopped and started.
type redisServer struct {
	program, dir, address string
	process               *exec.Cmd
}

func startRedis(ctx context.Context) (*redisServer, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		program, err = exec.LookPath("valkey-server")
	}
	if err != nil {
		return nil, errors.New("redis-server is not installed: on Debian and Ubuntu the package redis-server has it, elsewhere redis")
	}
	dir, err := os.MkdirTemp("", "hw-redis-")
	if err != nil {
		return nil, err
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &redisServer{program: program, dir: dir, address: free.Addr().String()}
	_ = free.Close()
	if printed, err := exec.CommandContext(ctx, program, "--version").Output(); err == nil {
		if v := regexp.MustCompile(`v=([0-9.]+)`).FindSubmatch(printed); v != nil {
			started("Redis " + string(v[1]))
		}
	}
	if err := r.start(ctx); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// start returns when the server answers.
func (r *redisServer) start(ctx context.Context) error {
	_, port, err := net.SplitHostPort(r.address)
	if err != nil {
		return err
	}
	r.process = exec.Command(r.program, "--bind", "127.0.0.1", "--port", port, "--dir", r.dir, "--appendonly", "yes", "--save", "")
	if err := r.process.Start(); err != nil {
		return err
	}
	client := redis.NewClient(&redis.Options{Addr: r.address})
	defer func() { _ = client.Close() }()
	return await(ctx, 20*time.Second, "that Redis answers", func() bool { return client.Ping(ctx).Err() == nil })
}

// stop lets the server write down what it knows, and end.
func (r *redisServer) stop(context.Context) error {
	if r.process == nil {
		return nil
	}
	err := r.process.Process.Signal(syscall.SIGTERM)
	_ = r.process.Wait()
	r.process = nil
	return err
}

func (r *redisServer) close() {
	_ = r.stop(context.Background())
	_ = os.RemoveAll(r.dir)
}

// lockTime is how long a lock is kept that nobody gives back.
const lockTime = 5 * time.Second

// A redisStore is a store for gobreaker's distributed breakers that does what gobreaker's
// own does, with the same libraries in the same versions. That one is a module of its own,
// of which no version is published.
type redisStore struct {
	client *redis.Client
	sync   *redsync.Redsync
	mu     sync.Mutex
	held   map[string]*redsync.Mutex
}

func newRedisStore(address string) *redisStore {
	client := redis.NewClient(&redis.Options{Addr: address})
	return &redisStore{client: client, sync: redsync.New(goredis.NewPool(client)), held: map[string]*redsync.Mutex{}}
}

// Lock implements gobreaker's interface.
func (s *redisStore) Lock(name string) error {
	lock := s.sync.NewMutex(name, redsync.WithExpiry(lockTime))
	if err := lock.Lock(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[name] = lock
	return nil
}

// Unlock implements gobreaker's interface.
func (s *redisStore) Unlock(name string) error {
	s.mu.Lock()
	lock := s.held[name]
	delete(s.held, name)
	s.mu.Unlock()
	if lock == nil {
		return fmt.Errorf("%s is not locked", strconv.Quote(name))
	}
	_, err := lock.Unlock()
	return err
}

// GetData implements gobreaker's interface.
func (s *redisStore) GetData(name string) ([]byte, error) {
	return s.client.Get(context.Background(), name).Bytes()
}

// SetData implements gobreaker's interface.
func (s *redisStore) SetData(name string, data []byte) error {
	return s.client.Set(context.Background(), name, data, 0).Err()
}
