package extract

import (
	"math"

	"github.com/paulmach/osm"
	"google.golang.org/protobuf/encoding/protowire"
)

// blockDecoder decodes blobs, one after another. It is for one goroutine.
type blockDecoder struct {
	query   Query
	history bool // keep what is not wanted: it may be a newer version of something that was

	texts       []string
	granularity int64
	latOffset   int64
	lonOffset   int64
	out         []element
}

func (d *blockDecoder) decode(data []byte) ([]element, error) {
	text, err := inflate(data)
	if err != nil {
		return nil, err
	}
	d.texts, d.out = d.texts[:0], nil
	d.granularity, d.latOffset, d.lonOffset = 100, 0, 0
	var groups [][]byte
	err = eachField(text, func(number protowire.Number, _ protowire.Type, n uint64, value []byte) error {
		switch number {
		case 1:
			return eachField(value, func(number protowire.Number, _ protowire.Type, _ uint64, s []byte) error {
				if number == 1 {
					d.texts = append(d.texts, string(s))
				}
				return nil
			})
		case 2:
			groups = append(groups, value)
		case 17:
			d.granularity = int64(n)
		case 19:
			d.latOffset = int64(n)
		case 20:
			d.lonOffset = int64(n)
		}
		return nil
	})
	for _, g := range groups {
		if err == nil {
			err = eachField(g, d.group)
		}
	}
	return d.out, err
}

func (d *blockDecoder) group(number protowire.Number, _ protowire.Type, _ uint64, value []byte) error {
	switch {
	case number == 1 && d.query.Kinds&Nodes != 0:
		return d.node(value)
	case number == 2 && d.query.Kinds&Nodes != 0:
		return d.dense(value)
	case number == 3 && d.query.Kinds&Ways != 0:
		return d.way(value)
	case number == 4 && d.query.Kinds&Relations != 0:
		return d.relation(value)
	}
	return nil
}

// object is what nodes, ways and relations have in common.
type object struct {
	id         int64
	keys, vals []uint64
	version    int32
	deleted    bool
}

// read takes a field that all kinds have; signed says that ids are zigzag-encoded.
func (o *object) read(number protowire.Number, kind protowire.Type, n uint64, value []byte, signed bool) (err error) {
	switch number {
	case 1:
		o.id = int64(n)
		if signed {
			o.id = protowire.DecodeZigZag(n)
		}
	case 2:
		o.keys, err = list(o.keys, kind, n, value)
	case 3:
		o.vals, err = list(o.vals, kind, n, value)
	case 4:
		return eachField(value, func(number protowire.Number, _ protowire.Type, n uint64, _ []byte) error {
			switch number {
			case 1:
				o.version = int32(n)
			case 6:
				o.deleted = n == 0
			}
			return nil
		})
	}
	return err
}

// list appends a repeated number, packed or not.
func list(to []uint64, kind protowire.Type, n uint64, value []byte) ([]uint64, error) {
	if kind == protowire.VarintType {
		return append(to, n), nil
	}
	for len(value) > 0 {
		v, size := protowire.ConsumeVarint(value)
		if size < 0 {
			return nil, errDamaged
		}
		to, value = append(to, v), value[size:]
	}
	return to, nil
}

func (d *blockDecoder) text(i uint64) (string, error) {
	if i >= uint64(len(d.texts)) {
		return "", errDamaged
	}
	return d.texts[i], nil
}

func (d *blockDecoder) tags(keys, vals []uint64) (osm.Tags, error) {
	if len(keys) != len(vals) {
		return nil, errDamaged
	}
	var tags osm.Tags
	for i := range keys {
		key, err := d.text(keys[i])
		if err != nil {
			return nil, err
		}
		value, err := d.text(vals[i])
		if err != nil {
			return nil, err
		}
		tags = append(tags, osm.Tag{Key: key, Value: value})
	}
	return tags, nil
}

// position gives degrees; ok is false outside Earth.
func (d *blockDecoder) position(lat, lon int64) (latitude, longitude float64, ok bool) {
	latitude = 1e-9 * (float64(d.latOffset) + float64(d.granularity)*float64(lat))
	longitude = 1e-9 * (float64(d.lonOffset) + float64(d.granularity)*float64(lon))
	return latitude, longitude, math.Abs(latitude) <= 90 && math.Abs(longitude) <= 180
}

// wants tells whether an object must be kept.
func (d *blockDecoder) wants(kind Kind, id int64, tags osm.Tags) bool {
	return d.history || d.query.Want == nil || d.query.Want(kind, id, tags)
}

// put adds a node. A deletion has no position, and a position outside Earth is none.
func (d *blockDecoder) put(id, lat, lon int64, tags osm.Tags, version int32, deleted bool) {
	if !d.wants(Nodes, id, tags) {
		return
	}
	latitude, longitude, ok := d.position(lat, lon)
	d.out = append(d.out, element{&osm.Node{ID: osm.NodeID(id), Lat: latitude, Lon: longitude, Tags: tags}, version,
		deleted || !ok})
}

func (d *blockDecoder) node(message []byte) error {
	var o object
	var lat, lon int64
	err := eachField(message, func(number protowire.Number, kind protowire.Type, n uint64, value []byte) error {
		switch number {
		case 8:
			lat = protowire.DecodeZigZag(n)
		case 9:
			lon = protowire.DecodeZigZag(n)
		}
		return o.read(number, kind, n, value, true)
	})
	if err != nil {
		return err
	}
	tags, err := d.tags(o.keys, o.vals)
	d.put(o.id, lat, lon, tags, o.version, o.deleted)
	return err
}

func (d *blockDecoder) dense(message []byte) error {
	var ids, lats, lons, keysVals, versions, visible []uint64
	err := eachField(message, func(number protowire.Number, kind protowire.Type, n uint64, value []byte) (err error) {
		switch number {
		case 1:
			ids, err = list(ids, kind, n, value)
		case 5:
			return eachField(value, func(number protowire.Number, kind protowire.Type, n uint64, value []byte) (err error) {
				switch number {
				case 1:
					versions, err = list(versions, kind, n, value)
				case 6:
					visible, err = list(visible, kind, n, value)
				}
				return err
			})
		case 8:
			lats, err = list(lats, kind, n, value)
		case 9:
			lons, err = list(lons, kind, n, value)
		case 10:
			keysVals, err = list(keysVals, kind, n, value)
		}
		return err
	})
	if err != nil {
		return err
	}
	if len(lats) != len(ids) || len(lons) != len(ids) || len(versions) > 0 && len(versions) != len(ids) ||
		len(visible) > 0 && len(visible) != len(ids) {
		return errDamaged
	}
	var id, lat, lon int64
	for i := range ids {
		id += protowire.DecodeZigZag(ids[i])
		lat += protowire.DecodeZigZag(lats[i])
		lon += protowire.DecodeZigZag(lons[i])
		var keys, vals []uint64
		for len(keysVals) > 0 { // pairs of each node, ended by a zero
			if keysVals[0] == 0 {
				keysVals = keysVals[1:]
				break
			}
			if len(keysVals) < 2 {
				return errDamaged
			}
			keys, vals = append(keys, keysVals[0]), append(vals, keysVals[1])
			keysVals = keysVals[2:]
		}
		tags, err := d.tags(keys, vals)
		if err != nil {
			return err
		}
		version := int32(0)
		if len(versions) > 0 {
			version = int32(versions[i])
		}
		d.put(id, lat, lon, tags, version, len(visible) > 0 && visible[i] == 0)
	}
	return nil
}

func (d *blockDecoder) way(message []byte) error {
	var o object
	var refs []uint64
	err := eachField(message, func(number protowire.Number, kind protowire.Type, n uint64, value []byte) (err error) {
		if number == 8 {
			refs, err = list(refs, kind, n, value)
			return err
		}
		return o.read(number, kind, n, value, false)
	})
	if err != nil {
		return err
	}
	tags, err := d.tags(o.keys, o.vals)
	if err != nil || !d.wants(Ways, o.id, tags) {
		return err
	}
	w := &osm.Way{ID: osm.WayID(o.id), Tags: tags, Nodes: make(osm.WayNodes, len(refs))}
	id := int64(0)
	for i, r := range refs {
		id += protowire.DecodeZigZag(r)
		w.Nodes[i].ID = osm.NodeID(id)
	}
	d.out = append(d.out, element{w, o.version, o.deleted})
	return nil
}

func (d *blockDecoder) relation(message []byte) error {
	var o object
	var roles, ids, types []uint64
	err := eachField(message, func(number protowire.Number, kind protowire.Type, n uint64, value []byte) (err error) {
		switch number {
		case 8:
			roles, err = list(roles, kind, n, value)
		case 9:
			ids, err = list(ids, kind, n, value)
		case 10:
			types, err = list(types, kind, n, value)
		default:
			err = o.read(number, kind, n, value, false)
		}
		return err
	})
	if err != nil {
		return err
	}
	tags, err := d.tags(o.keys, o.vals)
	if err != nil || !d.wants(Relations, o.id, tags) {
		return err
	}
	if len(ids) != len(roles) || len(types) != len(roles) {
		return errDamaged
	}
	r := &osm.Relation{ID: osm.RelationID(o.id), Tags: tags, Members: make(osm.Members, len(ids))}
	ref := int64(0)
	for i := range ids {
		ref += protowire.DecodeZigZag(ids[i])
		role, err := d.text(roles[i])
		if err != nil {
			return err
		}
		if types[i] > 2 {
			return errDamaged
		}
		r.Members[i] = osm.Member{Type: [...]osm.Type{osm.TypeNode, osm.TypeWay, osm.TypeRelation}[types[i]], Ref: ref,
			Role: role}
	}
	d.out = append(d.out, element{r, o.version, o.deleted})
	return nil
}
