# Writes the profile files into a C++ source, as raw strings in pieces that every compiler takes.
file(GLOB _files "${FOLDER}/*.toml")
list(SORT _files)
set(_entries "")
foreach(_file IN LISTS _files)
  get_filename_component(_name "${_file}" NAME)
  file(READ "${_file}" _content)
  if(_content MATCHES "\\)interop\"")
    message(FATAL_ERROR "${_name} contains the delimiter of the raw strings")
  endif()
  string(LENGTH "${_content}" _length)
  set(_literal "")
  set(_at 0)
  while(_at LESS _length)
    string(SUBSTRING "${_content}" ${_at} 8192 _piece)
    string(APPEND _literal "R\"interop(${_piece})interop\"\n")
    math(EXPR _at "${_at} + 8192")
  endwhile()
  string(APPEND _entries "    ShippedProfile{\"interop/${_name}\",\n${_literal}},\n")
endforeach()
file(WRITE "${OUTPUT}" "#include \"interop/profile_set.hpp\"

#include <array>

namespace siprec::server {

std::span<const ShippedProfile> shipped_profile_files() noexcept {
    static constexpr std::array kFiles{
${_entries}    };
    return kFiles;
}

}  // namespace siprec::server
")
