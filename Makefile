# Everything runs from .venv, which the first command creates. Works with GNU make 3.81 and later.

.PHONY: help install lab check test notebooks handouts lint bench clean

PYTHON ?=
LAB_ARGS ?=
CONSTRAINTS ?=
OUT = handouts
PY := .venv/bin/python

help:
	@printf '%s\n' \
	'GAN Lessons · 生成对抗网络课' \
	'' \
	'  make lab        打开 JupyterLab，从第 00 课开始     open JupyterLab on lesson 00' \
	'  make check      快速检查，约三分钟                  the quick checks, about three minutes' \
	'  make test       运行全部测试和全部笔记本            run every test and every notebook' \
	'  make notebooks  由 notebooks/src 重新生成笔记本     rebuild the notebooks from notebooks/src' \
	'  make handouts   做课堂材料，见 README               make what a teacher hands out, see README' \
	'  make lint       检查代码风格、类型和中英文配对      check style, types and the zh/en pairs' \
	'  make bench      测量这台机器有多快                  measure how fast this machine is' \
	'  make clean      删除 .venv 和生成的文件             remove .venv and what was generated' \
	'' \
	'第一次运行会建立 .venv 并下载几个 GB 的依赖；以后不再下载。' \
	'The first run creates .venv and downloads a few GB; later runs download nothing.' \
	'' \
	'  make lab PYTHON=python3.12                 指定 Python         choose the Python for a new .venv' \
	'  make lab LAB_ARGS="--port=9999"            传给 JupyterLab     passed on to JupyterLab' \
	'  make handouts LANGUAGE=zh OUT=/tmp/class   只做一种语言        one language (zh, en), elsewhere' \
	'  make test CONSTRAINTS=constraints.txt      用测试过的版本      with the versions that were tested'

# The stamp records where and from what .venv was made. It is written last and compared by content,
# so that an interrupted installation, an edited pyproject.toml or a moved folder is noticed and
# redone, and nothing else is. A .venv whose pip runs is kept: a retry continues.
record = { pwd; cat pyproject.toml $(CONSTRAINTS); }
suitable = import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))

install:
	@if $(record) | cmp -s - .venv/installed && $(PY) -c ''; then exit 0; fi 2>/dev/null; \
	if ! $(PY) -m pip --version >/dev/null 2>&1; then \
	    for python in $(if $(PYTHON),"$(PYTHON)",python3.13 python3.12 python3.11 python3.10 python3) none; do \
	        "$$python" -c '$(suitable)' >/dev/null 2>&1 && break; \
	    done; \
	    if [ "$$python" = none ]; then \
	        printf '%s\n' \
	        '没有找到带 venv 模块的 Python 3.10 或更新的版本。请先安装（Debian 或 Ubuntu：apt install python3-venv），' \
	        '或指明位置：make lab PYTHON=/路径/python3，或改用 conda：conda env create -f environment.yml' \
	        'No Python 3.10 or newer with its venv module was found. Install one (Debian, Ubuntu: apt install python3-venv),' \
	        'say where it is: make lab PYTHON=/path/python3, or use conda: conda env create -f environment.yml' >&2; \
	        exit 1; \
	    fi; \
	    "$$python" -m venv --clear .venv || exit 1; \
	fi; \
	$(PY) -m pip install $(addprefix -c ,$(CONSTRAINTS)) -e '.[test]' && $(record) > .venv/installed

# The browser is left alone where there is none to open; the address is printed in any case.
lab: install
	@set --; \
	if [ "$$(id -u)" = 0 ]; then set -- --allow-root; fi; \
	if [ -n "$$CI" ] || { [ "$$(uname)" = Linux ] && [ -z "$$DISPLAY$$WAYLAND_DISPLAY" ]; }; then \
	    set -- "$$@" --no-browser; \
	fi; \
	exec $(PY) -m jupyterlab --ip=127.0.0.1 "$$@" \
	    --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(LAB_ARGS)

# Tests run beside each other on every core, four at most. Waiting threads sleep instead of
# spinning (OMP_WAIT_POLICY), or they would take the time of the others.
pytest = OMP_WAIT_POLICY=PASSIVE $(PY) -m pytest
side_by_side = -n logical --maxprocesses 4 --dist worksteal

lint: install
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports --no-logo --no-cache
	@$(PY) notebooks/lint.py

check: lint
	@$(pytest) $(side_by_side) -m "not slow and not browser" tests

# All steps always run. The browser's tests leave a core half idle, so they run beside the notebooks
# and say what they found when both are done. The later lessons take longest and go first, or one
# of them would keep a core busy alone at the end. notebooks/conftest.py gives the notebooks the
# settings of a fresh machine.
test: install
	@status=0; \
	$(MAKE) --no-print-directory lint || status=1; \
	$(pytest) $(side_by_side) -m "not browser" tests || status=1; \
	browser_log=$$(mktemp); \
	$(pytest) -m browser tests/browser >"$$browser_log" 2>&1 & browser=$$!; \
	$(pytest) $(side_by_side) --dist loadfile --no-loadscope-reorder --timeout=0 \
	    --nbval --nbval-current-env --nbval-cell-timeout=1200 \
	    $$(ls -r notebooks/*.ipynb) notebooks/solutions || status=1; \
	wait $$browser || status=1; \
	cat "$$browser_log"; rm -f "$$browser_log"; \
	exit $$status

notebooks: install
	@$(PY) notebooks/build.py

# The environment may have a LANGUAGE that is meant for others; only one given to make counts.
handout_language = $(if $(filter command,$(origin LANGUAGE)),$(LANGUAGE),both)

handouts: install
	@$(PY) notebooks/handouts.py "$(handout_language)" --out "$(OUT)"

bench: install
	@$(PY) -m benchmarks $(BENCH)

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
