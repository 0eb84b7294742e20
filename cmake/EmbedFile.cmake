# Run by qc_embed: bytes as numbers, because a string literal has a greatest length.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
file(WRITE ${OUT}
  "#include \"${HEADER}\"\nstatic const char kBytes[] = {\n${bytes}'\\0'};\nconst std::string_view ${NAME}(kBytes, sizeof kBytes - 1);\n")
