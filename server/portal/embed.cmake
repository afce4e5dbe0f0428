# Writes the page's files into a C++ source, as raw strings in pieces that every compiler takes.
set(_entries "")
foreach(_entry "/|index.html|text/html" "/app.js|app.js|text/javascript" "/style.css|style.css|text/css")
  string(REPLACE "|" ";" _entry "${_entry}")
  list(GET _entry 0 _path)
  list(GET _entry 1 _file)
  list(GET _entry 2 _type)
  file(READ "${FOLDER}/${_file}" _content)
  if(_content MATCHES "\\)portal\"")
    message(FATAL_ERROR "${_file} contains the delimiter of the raw strings")
  endif()
  string(LENGTH "${_content}" _length)
  set(_literal "")
  set(_at 0)
  while(_at LESS _length)
    string(SUBSTRING "${_content}" ${_at} 8192 _piece)
    string(APPEND _literal "R\"portal(${_piece})portal\"\n")
    math(EXPR _at "${_at} + 8192")
  endwhile()
  string(APPEND _entries "    PortalFile{\"${_path}\", \"${_type}; charset=utf-8\",\n${_literal}},\n")
endforeach()
file(WRITE "${OUTPUT}" "#include \"portal/portal.hpp\"

#include <array>

namespace siprec::server {

std::span<const PortalFile> portal_files() noexcept {
    static constexpr std::array kFiles{
${_entries}    };
    return kFiles;
}

}  // namespace siprec::server
")
