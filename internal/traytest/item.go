//go:build linux

package traytest

import (
	"errors"
	"image"
	"image/color"
	"slices"
	"testing"

	"github.com/godbus/dbus/v5"
)

// An Item is what a program shows in the panel. What it is like is asked anew
// each time. A program that has ended fails the test.
type Item struct {
	panel  *Panel
	owner  string
	object dbus.BusObject
}

// An Entry is a line of the menu.
type Entry struct {
	Label     string
	Separator bool
	Disabled  bool
	Checked   bool
	Entries   []Entry // of a submenu

	id int32
}

func (i *Item) text(t testing.TB, name string) string {
	t.Helper()
	v, err := i.object.GetProperty(itemFace + "." + name)
	if err != nil {
		t.Fatalf("the item's %s: %v", name, err)
	}
	s, ok := v.Value().(string)
	if !ok {
		t.Fatalf("the item's %s is %v", name, v)
	}
	return s
}

// Title is the name of the program.
func (i *Item) Title(t testing.TB) string { t.Helper(); return i.text(t, "Title") }

// Status is "Active" while the item is to be seen.
func (i *Item) Status(t testing.TB) string { t.Helper(); return i.text(t, "Status") }

// Tooltip is what is shown where the pointer rests.
func (i *Item) Tooltip(t testing.TB) string {
	t.Helper()
	v, err := i.object.GetProperty(itemFace + ".ToolTip")
	if err != nil {
		t.Fatalf("the item's tooltip: %v", err)
	}
	var tip struct {
		Icon   string
		Pixmap []pixmap
		Title  string
		Text   string
	}
	if err := dbus.Store([]any{v.Value()}, &tip); err != nil {
		t.Fatalf("the item's tooltip: %v", err)
	}
	return tip.Title
}

type pixmap struct {
	Width, Height int32
	Data          []byte // ARGB
}

// Icon is the picture, the largest where there are several, as KDE's panel
// reads it: with colours that are not multiplied by their opacity.
func (i *Item) Icon(t testing.TB) *image.NRGBA {
	t.Helper()
	v, err := i.object.GetProperty(itemFace + ".IconPixmap")
	if err != nil {
		t.Fatalf("the item's icon: %v", err)
	}
	var all []pixmap
	if err := dbus.Store([]any{v.Value()}, &all); err != nil {
		t.Fatalf("the item's icon: %v", err)
	}
	if len(all) == 0 {
		t.Fatal("the item has no icon")
	}
	p := slices.MaxFunc(all, func(a, b pixmap) int { return int(a.Width - b.Width) })
	if len(p.Data) != int(p.Width*p.Height*4) {
		t.Fatalf("the item's icon is %d×%d and has %d bytes", p.Width, p.Height, len(p.Data))
	}
	img := image.NewNRGBA(image.Rect(0, 0, int(p.Width), int(p.Height)))
	for n := range int(p.Width * p.Height) {
		d := p.Data[4*n:]
		img.SetNRGBA(n%int(p.Width), n/int(p.Width), color.NRGBA{d[1], d[2], d[3], d[0]})
	}
	return img
}

// Activate clicks on the item.
func (i *Item) Activate(t testing.TB) {
	t.Helper()
	if err := i.object.Call(itemFace+".Activate", 0, int32(0), int32(0)).Err; err != nil {
		t.Fatalf("a click on the item: %v", err)
	}
}

// IsMenu reports whether a click on the item opens its menu, and does nothing
// else.
func (i *Item) IsMenu(t testing.TB) bool {
	t.Helper()
	v, err := i.object.GetProperty(itemFace + ".ItemIsMenu")
	if err != nil {
		t.Fatalf("whether the item is a menu: %v", err)
	}
	return v.Value() == true
}

// Menu is the menu as it is now.
func (i *Item) Menu(t testing.TB) []Entry {
	t.Helper()
	return i.entries(t, 0)
}

// Click clicks on the entry with that label, that of a submenu by the labels
// on the way to it, once it is there and can be clicked.
func (i *Item) Click(t testing.TB, labels ...string) {
	t.Helper()
	var entry Entry
	i.panel.Until(t, "an entry that can be clicked: "+labels[len(labels)-1], func() bool {
		list, found := i.Menu(t), false
		for _, label := range labels {
			at := slices.IndexFunc(list, func(e Entry) bool { return e.Label == label && !e.Disabled })
			if found = at >= 0; !found {
				break
			}
			entry, list = list[at], list[at].Entries
		}
		return found
	})
	err := i.menu(t).Call(menuFace+".Event", 0, entry.id, "clicked", dbus.MakeVariant(int32(0)), uint32(0)).Err
	if e := (dbus.Error{}); errors.As(err, &e) && e.Name == "org.freedesktop.DBus.Error.NoReply" {
		return // the click ended the program
	}
	if err != nil {
		t.Fatalf("a click on %s: %v", entry.Label, err)
	}
}

func (i *Item) menu(t testing.TB) dbus.BusObject {
	t.Helper()
	v, err := i.object.GetProperty(itemFace + ".Menu")
	if err != nil {
		t.Fatalf("the item's menu: %v", err)
	}
	return i.panel.conn.Object(i.owner, v.Value().(dbus.ObjectPath))
}

// A layout is an entry as it travels.
type layout struct {
	ID         int32
	Properties map[string]dbus.Variant
	Children   []dbus.Variant
}

// entries asks for those of one parent. A program may leave out those of its
// submenus, which are asked for then, as panels do.
func (i *Item) entries(t testing.TB, parent int32) []Entry {
	t.Helper()
	var revision uint32
	var top layout
	err := i.menu(t).Call(menuFace+".GetLayout", 0, parent, int32(-1), []string{}).Store(&revision, &top)
	if err != nil {
		t.Fatalf("the menu's layout: %v", err)
	}
	return i.children(t, top)
}

func (i *Item) children(t testing.TB, of layout) []Entry {
	t.Helper()
	var list []Entry
	for _, v := range of.Children {
		var l layout
		if err := dbus.Store([]any{v.Value()}, &l); err != nil {
			t.Fatalf("the menu's layout: %v", err)
		}
		is := func(name string, value any) bool { return l.Properties[name].Value() == value }
		if is("visible", false) {
			continue
		}
		e := Entry{id: l.ID, Separator: is("type", "separator"), Disabled: is("enabled", false), Checked: is("toggle-state", int32(1))}
		e.Label, _ = l.Properties["label"].Value().(string)
		if is("children-display", "submenu") {
			if len(l.Children) > 0 {
				e.Entries = i.children(t, l)
			} else {
				e.Entries = i.entries(t, l.ID)
			}
		}
		list = append(list, e)
	}
	return list
}
