// Package journal keeps records in files that are only ever written at their end,
// so that one write and one sync make many of them durable.
//
// # Files
//
// A journal is a folder of segments of a few MiB. The place for records is written
// with zeros ahead of them, so that the sync of a record changes no metadata of the
// file, which would cost three times as much. A record is
//
//	magic 4 · length 4 · CRC-32C 4 · kind 1 · zero 3 · segment's number 8 · data · zeros up to a multiple of 8
//
// in little-endian order; the checksum is over all of it but magic, itself and the
// zeros behind. A segment begins with such a record without data. A file is used
// again when all that it held is settled: what an earlier segment left in it has
// another number, and is no record of this one.
//
// # What is promised
//
// [Journal.Append] returns nil when its records are on disk, synced. Appends that
// come together share one write and one sync. When a write or a sync fails, none of
// the records that wait for it counts as appended, what was written of them is cut
// off, and that segment is never written again: a disk that failed to sync once may
// have dropped what it says to have later.
//
// [Read] tells what a program that died has left. A record that was being written at
// that moment is no record; one that is damaged amid others is told and skipped.
// Segments go in the order in which they came, so that of a message no later record
// is lost before an earlier one.
package journal
