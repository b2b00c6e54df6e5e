/** The segmented extendible hash index; the one module that reads the Vector API. */
package ironcache.index;
