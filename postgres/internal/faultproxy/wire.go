package faultproxy

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// longest is more than a message in a test has, in bytes.
const longest = 64 << 20

// readTyped reads a message that begins with its type.
func readTyped(r *bufio.Reader) ([]byte, error) { return read(r, 1) }

// readUntyped reads a message without a type, with which a client begins.
func readUntyped(r *bufio.Reader) ([]byte, error) { return read(r, 0) }

// read reads a message whose length comes after some bytes, and counts itself.
func read(r *bufio.Reader, before int) ([]byte, error) {
	header := make([]byte, before+4)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, err
	}
	length := int(binary.BigEndian.Uint32(header[before:]))
	if length < 4 || length > longest {
		return nil, fmt.Errorf("faultproxy: a message of %d bytes: not PostgreSQL's protocol, or TLS", length)
	}
	message := make([]byte, before+length)
	copy(message, header)
	_, err := io.ReadFull(r, message[len(header):])
	return message, err
}
