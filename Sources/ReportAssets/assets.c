#include "ReportAssets.h"

/* #embed is of C23; clang takes it in every mode. A Swift literal of as many bytes takes the compiler minutes. */
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char library[] = {
#embed "d3.min.js"
};
static const unsigned char libraryLicence[] = {
#embed "d3.LICENSE"
};
static const unsigned char model[] = {
#embed "model.js"
};
static const unsigned char timeline[] = {
#embed "timeline.js"
};
static const unsigned char panels[] = {
#embed "panels.js"
};
static const unsigned char style[] = {
#embed "report.css"
};

#define ASSET(name)               \
    *byteCount = sizeof(name);    \
    return name

const unsigned char *ReportAssets_bytes(enum ReportAsset asset, size_t *byteCount) {
    switch (asset) {
    case ReportAssetLibrary: ASSET(library);
    case ReportAssetLibraryLicence: ASSET(libraryLicence);
    case ReportAssetModel: ASSET(model);
    case ReportAssetTimeline: ASSET(timeline);
    case ReportAssetPanels: ASSET(panels);
    case ReportAssetStyle: ASSET(style);
    }
    *byteCount = 0;
    return NULL;
}
