# qc_embed(TARGET FILE HEADER NAME): the file as it stands becomes `const std::string_view NAME`, which HEADER declares.
# NAME is with its namespace ("qc::console::kOpenApi").
function(qc_embed target file header name)
  get_filename_component(stem ${file} NAME)
  string(REPLACE "." "_" stem ${stem})
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${stem}.cc)
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DIN=${CMAKE_CURRENT_SOURCE_DIR}/${file} -DOUT=${out} -DHEADER=${header} -DNAME=${name}
            -P ${PROJECT_SOURCE_DIR}/cmake/EmbedFile.cmake
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${file} ${PROJECT_SOURCE_DIR}/cmake/EmbedFile.cmake
    COMMENT "Embedding ${file}" VERBATIM)
  target_sources(${target} PRIVATE ${out})
  set_source_files_properties(${out} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()
