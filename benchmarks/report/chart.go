package main

import (
	"bytes"
	"image/color"
	"math"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The chart's measures. 675 points are 900 pixels.
const (
	chartWidth  = vg.Length(675)
	rowHeight   = vg.Length(15)
	headHeight  = vg.Length(42) // legend
	axisHeight  = vg.Length(26)
	margin      = vg.Length(12)
	labelWidth  = vg.Length(150)
	figureWidth = vg.Length(88)
	dot         = vg.Length(3.4)

	headingGap = 0.4 // rows
)

var (
	ink     = color.NRGBA{0x1f, 0x23, 0x28, 0xff}
	faint   = color.NRGBA{0xd8, 0xde, 0xe4, 0xff}
	muted   = color.NRGBA{0x59, 0x63, 0x6e, 0xff}
	accent  = color.NRGBA{0x09, 0x69, 0xda, 0xff} // Highway
	neutral = color.NRGBA{0x6e, 0x77, 0x81, 0xff} // its peers
)

// writeChart draws the times on a logarithmic scale into an SVG file.
func writeChart(path string, ps processes) error {
	svg, err := chart(rowsOf(ps))
	if err != nil {
		return err
	}
	return os.WriteFile(path, svg, 0o644)
}

// chart draws rows from the top down: a dot for serial, a ring for parallel.
func chart(rows []row) ([]byte, error) {
	at, end := positions(rows)
	height := headHeight + axisHeight + rowHeight*vg.Length(-end) + 2*margin
	canvas := vgsvg.New(chartWidth, height)
	page := draw.New(canvas)
	page.FillPolygon(color.White, corners(page.Rectangle)) // for pages with a dark theme
	inside := draw.Crop(page, margin, -margin, margin, -margin)
	legend(inside)

	p := axes(rows)
	p.Y.Min, p.Y.Max = end+0.5, 0.5
	area := draw.Crop(inside, labelWidth, -figureWidth, 0, -headHeight)
	p.Draw(area)
	data := p.DataCanvas(area)
	for i, r := range rows {
		y := data.Y(p.Y.Norm(at[i]))
		if r.heading {
			rule := draw.LineStyle{Color: faint, Width: vg.Points(0.75)}
			above := y + rowHeight*(1+headingGap)/2
			inside.StrokeLine2(rule, inside.Min.X, above, inside.Max.X, above)
			inside.FillText(style(10, ink, font.Font{Weight: bold}, draw.XLeft), vg.Point{X: inside.Min.X, Y: y}, r.label)
			continue
		}
		c := r.color()
		inside.FillText(style(9.5, c, font.Font{}, draw.XRight), vg.Point{X: inside.Min.X + labelWidth - 10, Y: y}, r.label)
		inside.FillText(style(9.5, c, font.Font{}, draw.XRight), vg.Point{X: inside.Max.X, Y: y}, ns(r.serial)+" / "+ns(r.parallel))
		serial := vg.Point{X: data.X(p.X.Norm(r.serial)), Y: y}
		parallel := vg.Point{X: data.X(p.X.Norm(r.parallel)), Y: y}
		data.StrokeLine2(draw.LineStyle{Color: c, Width: vg.Points(1)}, serial.X, y, parallel.X, y)
		mark(data, c, serial, parallel)
	}

	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return nil, err
	}
	// The font that is named is metrically the same as Arial, which more readers have.
	return bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans;"),
		[]byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;")), nil
}

// positions are the heights of rows on the Y axis, and where it ends. One row is one
// unit, and headings keep away from what is above.
func positions(rows []row) (at []float64, end float64) {
	for i, r := range rows {
		if r.heading && i > 0 {
			end -= headingGap
		}
		at = append(at, end)
		end--
	}
	return at, end
}

// axes is the empty plot under the rows.
func axes(rows []row) *plot.Plot {
	p := plot.New()
	p.HideY()
	p.BackgroundColor = color.Transparent
	p.X.Scale = plot.LogScale{}
	p.X.Min, p.X.Max = limits(rows)
	p.X.Tick.Marker = decades{}
	p.X.Tick.Label = style(9.5, muted, font.Font{}, draw.XCenter)
	p.X.Tick.Label.YAlign = draw.YTop
	p.X.Tick.LineStyle.Color = faint
	p.X.LineStyle.Color = faint
	p.X.Padding = 0
	p.Add(grid{})
	return p
}

// grid draws a vertical line at each labelled tick.
type grid struct{}

func (grid) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		if !t.IsMinor() {
			c.StrokeLine2(draw.LineStyle{Color: faint, Width: vg.Points(0.75)}, x(t.Value), c.Min.Y, x(t.Value), c.Max.Y)
		}
	}
}

// decades marks every power of ten with its name, and what lies between without.
type decades struct{}

func (decades) Ticks(low, high float64) []plot.Tick {
	names := map[int]string{-1: "0.1 ns", 0: "1 ns", 1: "10 ns", 2: "100 ns", 3: "1 µs", 4: "10 µs", 5: "100 µs", 6: "1 ms"}
	var ticks []plot.Tick
	for e := int(math.Floor(math.Log10(low))); e <= int(math.Ceil(math.Log10(high))); e++ {
		for d := 1.0; d < 10; d++ {
			if v := d * math.Pow10(e); v >= low && v <= high {
				t := plot.Tick{Value: v}
				if d == 1 {
					t.Label = names[e]
				}
				ticks = append(ticks, t)
			}
		}
	}
	return ticks
}

// limits leaves room for whole dots at both ends.
func limits(rows []row) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, r := range rows {
		if !r.heading {
			low = min(low, r.serial, r.parallel)
			high = max(high, r.serial, r.parallel)
		}
	}
	return low / 1.3, high * 1.3
}

// legend explains the chart above it.
func legend(c draw.Canvas) {
	y := c.Max.Y - 8
	c.FillText(style(12, ink, font.Font{Weight: bold}, draw.XLeft), vg.Point{X: c.Min.X, Y: y},
		"Time per call, logarithmic; further left is faster")
	y -= 18
	x := c.Min.X + dot
	entry := func(col color.Color, ring bool, label string, width vg.Length) {
		at := vg.Point{X: x, Y: y}
		if ring {
			mark(c, col, vg.Point{X: -100, Y: -100}, at)
		} else {
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: col, Radius: dot, Shape: draw.CircleGlyph{}}, at)
		}
		c.FillText(style(9.5, ink, font.Font{}, draw.XLeft), vg.Point{X: x + 8, Y: y}, label)
		x += width
	}
	entry(accent, false, "Highway, serial", 92)
	entry(accent, true, "Highway, parallel", 100)
	entry(neutral, false, "peer, serial", 74)
	entry(neutral, true, "peer, parallel", 80)
	c.FillText(style(9.5, muted, font.Font{}, draw.XRight), vg.Point{X: c.Max.X, Y: y}, "serial / parallel, ns")
}

// mark draws a filled dot for serial and, over it, a ring for parallel.
func mark(c draw.Canvas, col color.Color, serial, parallel vg.Point) {
	c.DrawGlyph(draw.GlyphStyle{Color: col, Radius: dot, Shape: draw.CircleGlyph{}}, serial)
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: color.White, Radius: dot, Shape: draw.CircleGlyph{}}, parallel)
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: col, Radius: dot - 0.5, Shape: draw.RingGlyph{}}, parallel)
}

func corners(r vg.Rectangle) []vg.Point {
	return []vg.Point{r.Min, {X: r.Max.X, Y: r.Min.Y}, r.Max, {X: r.Min.X, Y: r.Max.Y}}
}

func style(size vg.Length, c color.Color, f font.Font, align text.XAlignment) text.Style {
	f.Typeface, f.Variant, f.Size = "Liberation", "Sans", size
	return text.Style{
		Color: c, Font: f, XAlign: align, YAlign: draw.YCenter,
		Handler: plot.DefaultTextHandler,
	}
}
