package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/highway-engine/highway/internal/child"
	"github.com/highway-engine/highway/postgres/internal/faultproxy"
)

// A place in the fleet is taken by one instance after the other, all behind one proxy.
type place struct {
	record *record
	name   string
	role   role
	proxy  *faultproxy.Proxy
	pooled bool // the proxy leads to a pooler

	mu       sync.Mutex
	count    int // of instances that there were
	instance string
	command  *exec.Cmd
	input    io.WriteCloser
	ended    chan struct{}
	unwanted bool // it is to end
	paused   func()
	looked   event                // the last
	refused  map[string]time.Time // when each key was last seen not to be closed
}

// start puts a new instance in the place.
func (p *place) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.instance = fmt.Sprintf("%s.%d", p.name, p.count)
	p.count++
	p.role.Name = p.instance
	text, err := json.Marshal(p.role)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), asInstance+"="+string(text))
	c.Stderr = os.Stderr
	child.Bind(c)
	if p.input, err = c.StdinPipe(); err != nil {
		return err
	}
	output, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	p.command, p.ended, p.unwanted = c, make(chan struct{}), false
	p.record.span(replaced, p.instance)()
	p.looked, p.refused = event{}, map[string]time.Time{}
	go p.listen(p.instance, output, p.ended)
	return nil
}

// listen notes what an instance tells, until it ends.
func (p *place) listen(instance string, output io.Reader, ended chan struct{}) {
	for lines := bufio.NewScanner(output); lines.Scan(); {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue // cut off by its end
		}
		e.Instance = instance
		if e.Kind != looked {
			p.record.add(e)
			continue
		}
		p.mu.Lock()
		p.looked = e
		for _, l := range e.Looks {
			if l.State != "CLOSED" {
				p.refused[l.Key] = e.At
			}
		}
		p.mu.Unlock()
	}
	p.mu.Lock()
	command, unwanted := p.command, p.unwanted
	p.mu.Unlock()
	err := command.Wait()
	if !unwanted {
		p.record.breaks(violation{"S9", time.Now(), instance, fmt.Sprintf("it has ended by itself: %v", err)})
	}
	close(ended)
}

// kill ends the instance, and leaves it no time for anything.
func (p *place) kill() {
	p.mu.Lock()
	p.unwanted = true
	command, ended := p.command, p.ended
	p.record.span(replaced, p.instance)()
	p.mu.Unlock()
	if command == nil {
		return
	}
	command.Process.Kill()
	<-ended
}

// order gives a person's command.
func (p *place) order(key, line string) {
	p.record.mu.Lock()
	p.record.orders = append(p.record.orders, order{key, time.Now()})
	p.record.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(p.input, line)
}

func (p *place) pause() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = p.record.span(paused, p.instance)
	return pause(p.command.Process)
}

func (p *place) resume() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused()
	p.paused = nil
	return resume(p.command.Process)
}

// sees is the last look of a running instance, and when it last did not find the key
// closed.
func (p *place) sees(key string) (l look, at, refused time.Time, running bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.looked.Looks {
		if l.Key == key {
			return l, p.looked.At, p.refused[key], p.paused == nil
		}
	}
	return look{}, time.Time{}, time.Time{}, p.paused == nil
}

// alive says that there is an instance.
func (p *place) alive() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.command != nil && !p.unwanted
}
