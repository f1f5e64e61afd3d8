# Draws programs as bars over time, from traces of strace (-f -ttt -e execve,exit_group): ours, and below it docker alone.

# The strings of execve's second argument.
function words(line,    list) {
  match(line, /\[.*\]/)
  list = substr(line, RSTART + 1, RLENGTH - 2)
  gsub(/", "/, " ", list)
  gsub(/"/, "", list)
  return list
}

# The label of a program, or nothing for programs that hooks start themselves. Sets `kind`, which selects the colour.
function label(path, list,    part) {
  if (path ~ /\/docker$/) {
    kind = "docker"
    split(list, part, " ")
    return "docker " part[2] (part[3] ~ /^-/ ? "" : " " part[3])
  }
  if (path ~ /\/oneoff\/path\/plugn$/) {
    kind = "ours"
    split(list, part, " ")
    return "oneoff plugn: " part[3]
  }
  if (path ~ /\/oneoff\/bin\/agent$/) {
    kind = "ours"
    return "oneoff: teardown"
  }
  if (path ~ /\/enabled\/run\/subcommands\//) {
    kind = "ours"
    return "oneoff"
  }
  if (path ~ /\/plugins\/enabled\//) {
    kind = "hook"
    split(path, part, "/plugins/enabled/")
    split(part[2], part, "/")
    return part[2] " of " part[1]
  }
  if (path ~ /\/bin\/dokku$/) {
    kind = "dokku"
    return "dokku"
  }
  return ""
}

FNR == 1 {
  files++
  begin[files] = $2
}

/execve\("/ && !/= -1/ {
  split($0, quoted, "\"")
  bar = current[files, $1]
  if (!bar) {
    text = label(quoted[2], words($0))
    if (text != "") {
      bar = ++bars
      current[files, $1] = bar
      file[bar] = files
      name[bar] = text
      colour[bar] = kind
      from[bar] = $2 - begin[files]
      to[bar] = from[bar]
    }
  }
}

/\+\+\+ (exited|killed)/ {
  bar = current[files, $1]
  if (bar) to[bar] = $2 - begin[files]
  if ($2 - begin[files] > longest) longest = $2 - begin[files]
}

END {
  fill["dokku"] = "#8c8c8c"
  fill["ours"] = "#3b73b9"
  fill["hook"] = "#4d9a5b"
  fill["docker"] = "#d98032"
  left = 250
  width = 640
  row = 17
  height = (bars + 5) * row + 40
  scale = width / longest
  printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"11\">\n", left + width + 70, height
  printf "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n"
  y = 20
  title(y, "dokku run --no-tty demo true")
  for (bar = 1; bar <= bars; bar++) {
    if (bar > 1 && file[bar] != file[bar - 1]) {
      y += row * 1.5
      title(y, "docker alone: the same calls with the same options")
    }
    y += row
    draw(bar, y)
  }
  y += row * 1.5
  step = 50
  while (longest * 1000 / step > 12) step *= 2
  for (ms = 0; ms <= longest * 1000; ms += step) {
    x = left + ms / 1000 * scale
    printf "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"24\" y2=\"%.1f\" stroke=\"#dddddd\"/>\n", x, x, y - 10
    printf "<text x=\"%.1f\" y=\"%.1f\" fill=\"#555555\" text-anchor=\"middle\">%d ms</text>\n", x, y + 4, ms
  }
  print "</svg>"
}

function title(y, text) {
  printf "<text x=\"8\" y=\"%.1f\" font-weight=\"bold\" fill=\"#222222\">%s</text>\n", y, text
}

function draw(bar, y,    x, w) {
  x = left + from[bar] * scale
  w = (to[bar] - from[bar]) * scale
  if (w < 1) w = 1
  printf "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"#222222\">%s</text>\n", left - 8, y + 4, name[bar]
  printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"12\" fill=\"%s\"/>\n", x, y - 6, w, fill[colour[bar]]
  printf "<text x=\"%.1f\" y=\"%.1f\" fill=\"#555555\">%.0f</text>\n", x + w + 3, y + 4, (to[bar] - from[bar]) * 1000
}
