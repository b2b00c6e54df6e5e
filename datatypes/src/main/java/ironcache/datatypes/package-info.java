/** Redis's data types as records and pages over the engine; knows nothing of RESP. */
package ironcache.datatypes;
