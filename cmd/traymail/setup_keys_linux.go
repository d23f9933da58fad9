package main

import "golang.org/x/sys/unix"

// How a terminal's settings are read and written here.
const readTermios, writeTermios = unix.TCGETS, unix.TCSETS
