package main

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"os"
	"strconv"
	"time"

	xfont "golang.org/x/image/font"
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
	chartHeight = vg.Length(290)
	margin      = vg.Length(14)
	gap         = vg.Length(34) // between the panels
	headHeight  = vg.Length(46) // of a panel
	footHeight  = vg.Length(32)
	axisWidth   = vg.Length(38)
	legendAbove = vg.Length(22)
	dot         = vg.Length(3.2)
)

var (
	ink    = color.NRGBA{0x1f, 0x23, 0x28, 0xff}
	faint  = color.NRGBA{0xd8, 0xde, 0xe4, 0xff}
	muted  = color.NRGBA{0x59, 0x63, 0x6e, 0xff}
	colors = map[rule]color.Color{
		alone:       color.NRGBA{0x6e, 0x77, 0x81, 0xff},
		firstTrip:   color.NRGBA{0xbc, 0x4c, 0x00, 0xff},
		recommended: color.NRGBA{0x09, 0x69, 0xda, 0xff},
	}
)

// A panel shows one figure by the size of the fleet, a line for each rule.
type panel struct {
	title, says string
	lowest      float64
	highest     float64
	logarithmic bool
	ticks       map[float64]string
	lines       map[rule][]point
	above       map[rule]bool // where a line's labels are
}

// A point is a figure at a size; label may be empty.
type point struct {
	size  int
	value float64
	label string
}

// panels are the two halves of the chart: what a rule does wrong without an outage, and
// what it costs in one.
func panels(rs results) []panel {
	falsely := panel{
		title: "False fleet-wide outages",
		says:  "share of runs of 10,000 calls an instance, 10 % of which fail",
		ticks: map[float64]string{0: "0", 25: "25 %", 50: "50 %", 75: "75 %", 100: "100 %"},
		lines: map[rule][]point{}, above: map[rule]bool{firstTrip: false, recommended: true},
		highest: 100,
	}
	waste := panel{
		title: "Wasted calls in a hard outage",
		says:  "average until all refuse; messages take 2 ms",
		ticks: map[float64]string{10: "10", 100: "100", 1000: "1,000", 10_000: "10,000"},
		lines: map[rule][]point{}, above: map[rule]bool{alone: true},
		lowest: 10, highest: 20_000, logarithmic: true,
	}
	for _, n := range allSizes {
		for _, r := range rules {
			if s := rs.share(falseCell(r, n, usualErrors, 0)); s.all > 0 {
				falsely.lines[r] = append(falsely.lines[r], point{n, 100 * float64(s.some) / float64(s.all), s.String()})
			}
			if samples := rs[hardCell(r, n, 2*time.Millisecond)]; len(samples) > 0 {
				average, _ := mean(each(samples, wasted))
				p := point{size: n, value: average}
				if r != recommended {
					p.label = fmt.Sprintf("%.0f", average)
				}
				waste.lines[r] = append(waste.lines[r], p)
			}
		}
	}
	return []panel{falsely, waste}
}

func writeChart(path string, rs results) error {
	svg, err := chart(panels(rs))
	if err != nil {
		return err
	}
	return os.WriteFile(path, svg, 0o644)
}

func chart(ps []panel) ([]byte, error) {
	canvas := vgsvg.New(chartWidth, chartHeight)
	page := draw.New(canvas)
	page.FillPolygon(color.White, corners(page.Rectangle)) // for pages with a dark theme
	inside := draw.Crop(page, margin, -margin, margin, -margin)
	legend(inside)
	width := (inside.Max.X - inside.Min.X - gap*vg.Length(len(ps)-1)) / vg.Length(len(ps))
	for i, p := range ps {
		left := (width + gap) * vg.Length(i)
		right := (width + gap) * vg.Length(len(ps)-1-i)
		p.draw(draw.Crop(inside, left, -right, 0, -legendAbove))
	}
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return nil, err
	}
	// The font that is named is metrically the same as Arial, which more readers have.
	return bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans;"),
		[]byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;")), nil
}

// legend names the colours above the panels.
func legend(c draw.Canvas) {
	x, y := c.Min.X+dot, c.Max.Y-6
	for _, r := range []rule{recommended, firstTrip, alone} {
		c.DrawGlyphNoClip(draw.GlyphStyle{Color: colors[r], Radius: dot, Shape: draw.CircleGlyph{}}, vg.Point{X: x, Y: y})
		label := map[rule]string{
			recommended: "the recommended rule",
			firstTrip:   "the first trip opens the fleet",
			alone:       "each instance on its own",
		}[r]
		c.FillText(style(10, ink, false, draw.XLeft), vg.Point{X: x + 8, Y: y}, label)
		x += map[rule]vg.Length{recommended: 126, firstTrip: 156}[r]
	}
}

func (p panel) draw(c draw.Canvas) {
	c.FillText(style(12, ink, true, draw.XLeft), vg.Point{X: c.Min.X, Y: c.Max.Y - 8}, p.title)
	c.FillText(style(9.5, muted, false, draw.XLeft), vg.Point{X: c.Min.X, Y: c.Max.Y - 24}, p.says)
	area := draw.Crop(c, axisWidth, 0, footHeight, -headHeight)
	for value, label := range p.ticks {
		y := p.y(area, value)
		area.StrokeLine2(draw.LineStyle{Color: faint, Width: vg.Points(0.75)}, area.Min.X, y, area.Max.X, y)
		c.FillText(style(9.5, muted, false, draw.XRight), vg.Point{X: area.Min.X - 6, Y: y}, label)
	}
	sizes := p.sizes()
	for i, size := range sizes {
		c.FillText(style(9.5, muted, false, draw.XCenter), vg.Point{X: x(area, i, len(sizes)), Y: area.Min.Y - 12}, strconv.Itoa(size))
	}
	c.FillText(style(9.5, muted, false, draw.XCenter), vg.Point{X: (area.Min.X + area.Max.X) / 2, Y: area.Min.Y - 26}, "instances")
	for _, r := range rules {
		p.line(area, r, sizes)
	}
}

// line draws the points of a rule, joined, with their labels.
func (p panel) line(area draw.Canvas, r rule, sizes []int) {
	var path []vg.Point
	for _, point := range p.lines[r] {
		for i, size := range sizes {
			if size == point.size {
				path = append(path, vg.Point{X: x(area, i, len(sizes)), Y: p.y(area, point.value)})
			}
		}
	}
	area.StrokeLines(draw.LineStyle{Color: colors[r], Width: vg.Points(1.5)}, path)
	for i, at := range path {
		area.DrawGlyphNoClip(draw.GlyphStyle{Color: colors[r], Radius: dot, Shape: draw.CircleGlyph{}}, at)
		below := vg.Length(-11)
		if p.above[r] {
			below = 10
		}
		area.FillText(style(8.5, colors[r], false, draw.XCenter), vg.Point{X: at.X, Y: at.Y + below}, p.lines[r][i].label)
	}
}

// sizes are those at which a line of the panel has a point, which the first has all.
func (p panel) sizes() []int {
	var sizes []int
	for _, n := range allSizes {
		for _, point := range p.lines[recommended] {
			if point.size == n {
				sizes = append(sizes, n)
			}
		}
	}
	return sizes
}

// x is the place of one of several sizes, y that of a value.
func x(area draw.Canvas, i, of int) vg.Length {
	return area.Min.X + (area.Max.X-area.Min.X)*vg.Length((float64(i)+0.5)/float64(of))
}

func (p panel) y(area draw.Canvas, value float64) vg.Length {
	low, high := p.lowest, p.highest
	if p.logarithmic {
		low, high, value = math.Log(low), math.Log(high), math.Log(value)
	}
	return area.Min.Y + (area.Max.Y-area.Min.Y)*vg.Length((value-low)/(high-low))
}

func corners(r vg.Rectangle) []vg.Point {
	return []vg.Point{r.Min, {X: r.Max.X, Y: r.Min.Y}, r.Max, {X: r.Min.X, Y: r.Max.Y}}
}

func style(size vg.Length, c color.Color, bold bool, align text.XAlignment) text.Style {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f.Weight = xfont.WeightBold
	}
	return text.Style{Color: c, Font: f, XAlign: align, YAlign: draw.YCenter, Handler: plot.DefaultTextHandler}
}
