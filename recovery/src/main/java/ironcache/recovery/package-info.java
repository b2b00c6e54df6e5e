/** Snapshot, replay, warm restart, verification and repair. */
package ironcache.recovery;
