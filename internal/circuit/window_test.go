package circuit

import "testing"

func TestWindowKeepsTheLastOutcomes(t *testing.T) {
	for _, size := range []int{1, 2, 63, 64, 65, 1000} {
		w := NewWindow(size)
		var all []bool
		for i := range 3*size + 7 {
			failed := i*i%7 < 3
			last := all[max(0, len(all)+1-size):]
			want := -1
			if len(all)+1 >= size {
				want = count(last)
				if failed {
					want++
				}
			}
			if got := w.fillsWith(failed); got != want {
				t.Fatalf("size %d: fillsWith before outcome %d is %d, want %d", size, i, got, want)
			}
			w.Add(failed)
			all = append(all, failed)
			last = all[max(0, len(all)-size):]
			if w.Len() != len(last) || w.Failures() != count(last) || w.Full() != (len(all) >= size) {
				t.Fatalf("size %d after %d: %d outcomes, %d failures, full %v", size, len(all), w.Len(), w.Failures(), w.Full())
			}
			for j, f := range last {
				if w.Failed(j) != f {
					t.Fatalf("size %d after %d: outcome %d is wrong", size, len(all), j)
				}
			}
		}
		w.Clear()
		if w.Len() != 0 || w.Failures() != 0 {
			t.Fatalf("size %d: not empty after Clear", size)
		}
	}
}

func count(failed []bool) int {
	n := 0
	for _, f := range failed {
		if f {
			n++
		}
	}
	return n
}

func TestWindowOfAnotherSizeKeepsTheLastOutcomes(t *testing.T) {
	for _, size := range []int{1, 2, 63, 64, 65, 130} {
		for _, outcomes := range []int{0, 1, 62, 64, 66, 129, 300} {
			for _, to := range []int{1, 2, 63, 64, 65, 200} {
				w := NewWindow(size)
				var all []bool
				for i := range outcomes {
					w.Add(i*i%7 < 3)
					all = append(all, i*i%7 < 3)
				}
				w.resize(to)
				for more := range 3 {
					kept := min(outcomes, size, to)
					last := all[len(all)-min(kept+more, to):]
					if w.Size() != to || w.Len() != len(last) || w.Failures() != count(last) {
						t.Fatalf("%d of %d in %d, and %d: %d outcomes, %d failures", outcomes, size, to, more, w.Len(), w.Failures())
					}
					for i, failed := range last {
						if w.Failed(i) != failed {
							t.Fatalf("%d of %d in %d, and %d: outcome %d is wrong", outcomes, size, to, more, i)
						}
					}
					w.Add(more == 1)
					all = append(all, more == 1)
				}
			}
		}
	}
}
