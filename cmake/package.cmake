# CPack: see below
