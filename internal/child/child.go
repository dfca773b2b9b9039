// Package child keeps processes that tests start from outliving them.
package child
