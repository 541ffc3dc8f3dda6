// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace headrace {

// Appends `text` as it stands in the content of an XML element: & < > " and the control characters
// below 0x20 become references, as a reader would lose them raw (a line end becomes a space).
// XML 1.0 has no form for most control characters; S3 and its clients read and write the references
// all the same.
void AppendXmlText(std::string& out, std::string_view text);

// True for a NUL, in itself or as a reference, and for a reference to no character at all. XML has
// none of these, and pugixml would end the text there: a key would become another key.
bool HoldsNoCharacter(std::string_view xml);

}  // namespace headrace
