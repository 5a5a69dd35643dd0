/* The files that every report carries: the chart library, its licence, and the page's own script and style. */
#ifndef REPORT_ASSETS_H
#define REPORT_ASSETS_H

#include <stddef.h>

enum ReportAsset {
    ReportAssetLibrary,
    ReportAssetLibraryLicence,
    ReportAssetModel,
    ReportAssetTimeline,
    ReportAssetPanels,
    ReportAssetStyle,
};

/* The bytes of a file, which live as long as the program; NULL and 0 for what is none. */
const unsigned char *ReportAssets_bytes(enum ReportAsset asset, size_t *byteCount);

#endif
