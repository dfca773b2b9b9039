package storagetest

// Patience lets the tests of the suite wait less for what will not happen.
var Patience = &patience
