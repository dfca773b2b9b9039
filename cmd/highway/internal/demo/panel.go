package demo

import (
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
)

//go:embed panel
var panelFiles embed.FS

// Panel is the part of the dashboard with which the servers of a board are broken and healed,
// and an instance made sick. The dashboard has seen to it that whoever sends something may act.
func (b *Board) Panel() http.Handler {
	files, err := fs.Sub(panelFiles, "panel")
	if err != nil {
		panic(err) // it is in the binary
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) { b.tell(w) })
	mux.HandleFunc("POST /state", func(w http.ResponseWriter, r *http.Request) {
		if err := b.set(r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		b.tell(w)
	})
	return mux
}

// A wish is what somebody wants to be so: a server in a phase, or an instance sick.
type wish struct {
	Server   string `json:"server"`
	Phase    string `json:"phase"`
	Instance int    `json:"instance"` // from 1
	Sick     bool   `json:"sick"`
}

// set does what somebody wants.
func (b *Board) set(body io.Reader) error {
	var w wish
	decoder := json.NewDecoder(io.LimitReader(body, 1000))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&w); err != nil {
		return err
	}
	phases := []phase{healthy, failing, slow}
	to := slices.IndexFunc(phases, func(p phase) bool { return p.String() == w.Phase })
	server := slices.IndexFunc(b.servers, func(s *boardServer) bool { return s.key == w.Server })
	switch {
	case w.Instance > 0 && w.Instance <= len(b.instances):
		b.instances[w.Instance-1].sick.Store(w.Sick)
	case w.Instance != 0:
		return fmt.Errorf("instance is %d: it must be from 1 to %d", w.Instance, len(b.instances))
	case server < 0:
		return fmt.Errorf("server is %.40q: it must be one of %q", w.Server, boardKeys)
	case to < 0:
		return fmt.Errorf("phase is %.40q: it must be one of %v", w.Phase, phases)
	default:
		b.servers[server].phase.Store(uint32(phases[to]))
	}
	return nil
}

// tell says how things are. Of many instances the first ones will do.
func (b *Board) tell(w http.ResponseWriter) {
	type server struct {
		Key   string `json:"key"`
		Phase string `json:"phase"`
	}
	type instance struct {
		Name string `json:"name"`
		Sick bool   `json:"sick"`
	}
	var all struct {
		Servers   []server   `json:"servers"`
		Instances []instance `json:"instances"`
	}
	for _, s := range b.servers {
		all.Servers = append(all.Servers, server{s.key, phase(s.phase.Load()).String()})
	}
	for _, in := range b.instances[:min(len(b.instances), 8)] {
		all.Instances = append(all.Instances, instance{in.name, in.sick.Load()})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(all)
}
