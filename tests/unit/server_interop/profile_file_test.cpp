#include "interop/profile_file.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace {

using siprec::server::parse_profile;

const std::string kHead = "name = \"x\"\n[[when]]\nalways = \"yes\"\n";

std::string problem_of(const std::string& toml) {
    const auto parsed = parse_profile(toml, "x.toml");
    return parsed ? std::string("none") : parsed.error().message();
}

}  // namespace

TEST_CASE("profile file: fields, parties and quirks are read", "[unit][interop]") {
    const auto profile = parse_profile(
        "name = \"acme\"\ntitle = \"Acme\"\nrank = 7\n"
        "[[when]]\nheader = \"X-Acme-*\"\nmatches = '^a'\n"
        "[[when]]\nsource = '^192\\.0\\.2\\.'\n"
        "[fields]\n"
        "ucid = [{ header = \"User-to-User\", capture = 'FA08(.*)', transform = [\"trim\", "
        "\"upper\"] },\n"
        "        { element = \"a/b\", under = [\"session\", \"group\"] }]\n"
        "\"parameter.*\" = [{ element = \"p\", attribute = \"value\", key = \"name\" }]\n"
        "[parties]\ncalling = [{ element = \"c\", capture = 'true', gives = \"owner\" }]\n"
        "[quirks]\ntime_zone = \"-03:30\"\n[quirks.labels]\nremote = '^2$'\n",
        "acme.toml");
    REQUIRE(profile);
    CHECK(profile->rank == 7);
    CHECK(profile->when.size() == 2);
    CHECK(profile->when[0].where == "header X-Acme-*, matches ^a");
    REQUIRE(profile->fields.size() == 2);
    CHECK(profile->fields[1].sources.size() == 2);
    CHECK(profile->parties.size() == 1);
    CHECK(profile->quirks.time_zone == std::chrono::minutes(-210));
    CHECK(profile->quirks.labels.size() == 1);
}

TEST_CASE("profile file: an error names file, line and key", "[unit][interop]") {
    CHECK(problem_of(kHead + "[fields]\nucid = [{ header = \"A\", transfrom = [] }]\n") ==
          "x.toml:5: fields.ucid[1].transfrom: there is no such option");
    CHECK(problem_of(kHead + "[fields]\nucid = [{ header = \"A\", capture = '(' }]\n")
              .find("x.toml:5: fields.ucid[1].capture: no regular expression") == 0);
    CHECK(problem_of(kHead +
                     "[fields]\nucid = [\n{ header = \"A\", transform = [\"upside_down\"] }]\n")
              .find("x.toml:6: fields.ucid[1].transform: 'upside_down' is not trim") == 0);
    CHECK(problem_of(kHead + "[fields\n").find("x.toml:4: ") == 0);
}

TEST_CASE("profile file: what makes no sense is refused", "[unit][interop]") {
    for (const std::string& wrong :
         {std::string("name = \"x\"\n"),
          std::string("[[when]]\nalways = \"yes\"\n"),
          std::string("name = \"X Y\"\n[[when]]\nalways = \"yes\"\n"),
          std::string("name = \"x\"\n[[when]]\n"),
          std::string("name = \"x\"\n[[when]]\nmatches = 'a'\n"),
          kHead + "[fields]\nucid = [{ }]\n",
          kHead + "[fields]\nucid = [{ header = \"A\", element = \"b\" }]\n",
          kHead + "[fields]\nucid = [{ header = \"A\", under = [\"session\"] }]\n",
          kHead + "[fields]\nucid = [{ element = \"a\", under = [\"elsewhere\"] }]\n",
          kHead + "[fields]\nucid = [{ element = \"a:b\" }]\n",
          kHead + "[fields]\nUCID = [{ element = \"a\" }]\n",
          kHead + "[fields]\nucid = [{ element = \"a\", key = \"name\" }]\n",
          kHead + "[fields]\nucid = \"header\"\n",
          kHead + "[parties]\nbystander = [{ element = \"a\" }]\n",
          kHead + "[quirks]\ntime_zone = \"Europe/Berlin\"\n",
          kHead + "[quirks]\ntime_zone = \"+25:00\"\n"}) {
        CAPTURE(wrong);
        CHECK(problem_of(wrong).find("x.toml:") == 0);
    }
}
