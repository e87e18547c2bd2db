# shellcheck shell=sh disable=SC2086,SC2154,SC2164,SC2030,SC2031 # lists of words; the caller sets -e and root
# Sourced by run and test, which set $root: puts in place what they need, once, until a lock changes.
#
# Two folders of the checkout are written: .venv, the environment that the locks describe, and
# .tools, with a uv of our own where there is none on PATH. On Linux a few system libraries come with apt-get.
# Every problem is one sentence on stderr and status 1, and leaves nothing half made behind.

locks="packaging/requirements.lock packaging/data.lock"
qt="libegl1 libgl1 libglib2.0-0 libfontconfig1 libdbus-1-3 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 \
libxcb-keysyms1 libxcb-shape0 libwayland-cursor0"
fonts="fonts-inter fonts-jetbrains-mono"
blas=libopenblas0-pthread # the wheel's own BLAS is the slow reference one

# A window needs more libraries than drawing off screen does, so each is looked at when it is first wanted.
screen=offscreen
[ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || screen=window

say() { echo "${0##*/}: $*" >&2; }
fail() { say "$@" && exit 1; }

packages_ready() { [ -x .venv/bin/python ] && cat $locks | cmp -s - .venv/packages; }
libraries_ready() { cmp -s packaging/setup.sh ".venv/libraries-$screen"; }

set_up() (
    cd "$root"
    if packages_ready && libraries_ready; then exit; fi
    case $(uname -sm) in
        "Darwin arm64" | "Linux x86_64") ;;
        *) fail "needs a Mac with Apple silicon, or Linux on x86_64; this is $(uname -sm)" ;;
    esac
    unfinished=
    take_turn
    packages_ready || install_packages
    libraries_ready || install_libraries
)

# Of several starts at once one sets up and the others wait. The lock is a symbolic link to a process id:
# made in one step, and a dead owner shows.
take_turn() {
    waiting=
    said=$(mkdir -p .tools 2>&1) || fail "cannot write to $root: $(reason)"
    until said=$(LC_ALL=C ln -s $$ .tools/turn 2>&1); do
        case $said in *"File exists"*) ;; *) fail "cannot write to $root: $(reason)" ;; esac
        owner=$(readlink .tools/turn) || continue
        if kill -0 "$owner" 2>/dev/null; then
            [ -n "$waiting" ] || say "waiting for another start, which is setting up"
            waiting=yes
            sleep 0.2
        else
            rm -f .tools/turn
        fi
    done
    trap 'rm -rf .tools/turn $unfinished' EXIT
    trap 'exit 1' HUP INT TERM
}

install_packages() {
    say "setting up, once; about 350 MB are fetched"
    find_uv
    # Without its mark .venv was left by a kill or made by somebody else, and Python may be gone: it is made anew.
    if ! { [ -f .venv/packages ] && [ -x .venv/bin/python ]; }; then
        unfinished=.venv
        said=$("$uv" venv --quiet --clear --no-project --python '>=3.11,<3.15' .venv 2>&1) ||
            fail "needs Python 3.11 to 3.14; none is here, and none could be fetched: $(reason)"
    fi
    rm -f .venv/packages
    # The data packages have dependencies that are not wanted; sync installs what the locks name and no more.
    fetch "$uv" pip sync --require-hashes --only-binary :all: --python .venv/bin/python $locks ||
        fail "could not install the Python packages: $(reason)"
    said=$(cat $locks 2>&1 >.venv/packages) || fail "could not finish the set-up: $(reason)"
    unfinished=
}

find_uv() {
    uv=uv
    if "$uv" --version >/dev/null 2>&1; then return; fi
    uv=.tools/uv/bin/uv
    if [ -x "$uv" ]; then return; fi
    command -v python3 >/dev/null ||
        fail "needs python3 (macOS: xcode-select --install; Debian: sudo apt-get install python3-venv)"
    unfinished=.tools/uv
    said=$(
        exec 2>&1
        python3 -m venv --clear --without-pip .tools/uv && .tools/uv/bin/python -m ensurepip &&
            .tools/uv/bin/python -m pip install --disable-pip-version-check --quiet --retries 1 'uv>=0.13,<0.14'
    ) || fail "could not get uv, which installs the Python packages: $(reason)"
    unfinished=
}

# On a terminal uv shows how far it is. Where it fails it is asked once more, for its words.
fetch() {
    if [ -t 2 ] && "$@"; then return; fi
    said=$("$@" --quiet 2>&1)
}

# What a tool said, as the end of a sentence.
reason() {
    case $said in
        *"No space left"*) echo "the disk is full" ;;
        *"No module named ensurepip"* | *"No module named venv"*)
            echo "python3 has no venv module (Debian: sudo apt-get install python3-venv)" ;;
        *"dns error"* | *"tcp connect error"* | *"Retrying ("* | *"Temporary failure resolving"*)
            echo "the network cannot be reached" ;;
        *) printf '%s\n' "$said" | sed -n '$ { s/^ *[a-zA-Z]*: *//; p; }' ;;
    esac
}

install_libraries() {
    [ "$(uname -s)" = Darwin ] || install_linux_libraries
    cp packaging/setup.sh ".venv/libraries-$screen"
}

install_linux_libraries() {
    wanted=
    missing=$(missing_libraries)
    [ -z "$missing" ] || wanted=$qt
    has_blas || wanted="$wanted $blas"
    if ! command -v apt-get >/dev/null; then
        [ -z "$missing" ] || fail "Qt needs these system libraries:" $missing
        has_blas || say "the model is about 20 times faster with OpenBLAS (libopenblas.so.0)"
    elif [ "$(id -u)" = 0 ]; then
        dpkg-query -W $fonts >/dev/null 2>&1 && fonts=
        [ -z "$wanted$fonts" ] || install_with_apt
    else
        [ -z "$missing" ] || fail "Qt needs system libraries; type: sudo apt-get install" $wanted
        has_blas || say "the model is about 20 times faster with OpenBLAS; type: sudo apt-get install" $blas
    fi
}

install_with_apt() {
    say "installing with apt-get:" $wanted $fonts
    export DEBIAN_FRONTEND=noninteractive
    apt="apt-get -y --no-install-recommends -o DPkg::Lock::Timeout=120 -o Acquire::Retries=1"
    said=$($apt update 2>&1 && $apt install $wanted 2>&1) || [ -z "$(missing_libraries)" ] ||
        fail "apt-get could not install the system libraries that Qt needs: $(reason)"
    $apt install $fonts >/dev/null 2>&1 || :
}

# Asks the loader itself: names of packages differ between systems, names of libraries do not.
missing_libraries() (
    cd .venv/lib/python3.*/site-packages/PySide6
    set -- QtWidgets.abi3.so Qt/plugins/platforms/libqoffscreen.so
    [ -z "${DISPLAY:-}" ] || set -- "$@" Qt/plugins/platforms/libqxcb.so
    [ -z "${WAYLAND_DISPLAY:-}" ] || set -- "$@" Qt/plugins/platforms/libqwayland.so
    ldd "$@" | awk '/not found/ && !seen[$1]++ { print $1 }'
)

has_blas() { .venv/bin/python -c 'import ctypes; ctypes.CDLL("libopenblas.so.0")' 2>/dev/null; }
